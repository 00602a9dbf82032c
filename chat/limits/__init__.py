"""How much visitors may do: rules of the administration, counted over all processes.

`rules.py` reads the rules, `windows.py` counts what is limited in so many seconds, `open_sockets.py` what is open at
once; `counting.py` is what views and sockets call. Replies at once are counted in the database, where they are stored.
"""
