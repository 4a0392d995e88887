"""What each verb takes, and its help: nothing here is slow to load, for a TAB loads it. The work is beside this."""
