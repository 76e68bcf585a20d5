"""The delivery formats: values <-> bytes of GLB, USDZ and their images."""
