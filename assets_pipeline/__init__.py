"""Turns a shop's product photos into AR-ready 3D assets. Start reading at `pipeline.py`."""
