"""When schedules fire: pure functions from a rule and a time zone to moments in UTC."""
