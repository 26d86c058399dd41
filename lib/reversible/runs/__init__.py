"""An experiment as independent cells, and where they run: here, in processes, on a Dask cluster."""
