"""Whether the registers of `work.registers` behaved as one register each would: a history is given to porcupine, in Go."""
