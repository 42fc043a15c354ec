"""Names and numbers that the harness and the SDK processes share."""

#: Of the environment: the folder of journals, the process's name, the seed.
FOLDER, NAME, SEED = "CHAOS_JOURNALS", "CHAOS_NAME", "CHAOS_SEED"
#: Tags by which the harness and operators find runs.
MARK, PAUSABLE, REGISTER = "chaos", "chaos-pausable", "chaos-register"
POOL = "chaos"
#: Limits, and their slots.
TAG, LEASED = "chaos-tag", "chaos-lease"
TAG_SLOTS, LEASED_SLOTS = 3, 2
