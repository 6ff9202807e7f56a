"""Where an artefact comes from and whether it is stale."""
