"""The lab: a Sluice fleet in network namespaces of one machine, with real traffic."""
