"""The one Node helper process: packs the web GLB and runs the Khronos validator."""
