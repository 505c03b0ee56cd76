"""Plain frozen data: addresses, interventions, metrics. No torch, no Jupyter."""
