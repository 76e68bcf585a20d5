"""Real engines from PyPI for one machine: Valkey as the broker, SeaweedFS as S3."""
