"""Whether each register of `work.registers` behaved as one register would: histories are given to porcupine, in Go."""
