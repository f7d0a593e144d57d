"""Who joins Crossbar.io with a ticket is who it says, and its ticket is its role."""


def create(config, controller):
    return lambda realm, authid, details: {"realm": realm, "authid": authid, "role": details["ticket"]}
