python make_data.py    # stands in for your images
blindspots run config.yaml parquet.yaml
