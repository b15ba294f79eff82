blindspots run config.yaml
