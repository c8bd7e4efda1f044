"""Alerts: what is news of incidents goes out to people, once each and without holding anything up.

`routes` says who is told of what, `digests` what they are told, `outbox` keeps it until it has arrived, `tell` makes
digests of the history of incidents, and `delivery` sends them, each kind of route by a module of its own.
"""
