python make_weights.py    # stands in for whoever trained your networks
blindspots run config.yaml
