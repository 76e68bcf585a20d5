"""SeaweedFS keeps what it has taken, for the one who has the key."""

from pathlib import Path

import pytest
import requests
from botocore.exceptions import ClientError

from infra.engines.engine import Engine
from tests.engines import SECRET_KEY, listeners, s3_client, s3_store, start_seaweedfs


def test_all_its_listeners_are_on_loopback_and_known(seaweedfs: Engine) -> None:
    found = listeners(seaweedfs.pid)
    assert {address for address, _ in found} == {"127.0.0.1"}
    assert {port for _, port in found} <= set(seaweedfs.ports.values())


def test_a_killed_server_finds_everything_again_on_the_same_ports(tmp_path: Path) -> None:
    engine = start_seaweedfs(tmp_path)
    client = s3_client(engine)
    client.create_bucket(Bucket="kept")
    for number in range(20):
        client.put_object(Bucket="kept", Key=f"{number}", Body=bytes([number]) * 1000)
    engine.kill()
    again = start_seaweedfs(tmp_path)
    try:
        assert again.ports == engine.ports
        for number in range(20):
            assert s3_client(again).get_object(Bucket="kept", Key=f"{number}")["Body"].read() == bytes([number]) * 1000
    finally:
        again.stop()
    assert not again.alive()


def test_it_reports_to_nobody(seaweedfs: Engine) -> None:
    arguments = Path(f"/proc/{seaweedfs.pid}/cmdline").read_bytes().split(b"\0")
    assert b"-master.telemetry=false" in arguments


def test_the_secret_is_in_a_file_of_ours_alone(seaweedfs: Engine) -> None:
    arguments = Path(f"/proc/{seaweedfs.pid}/cmdline").read_text()
    environ = Path(f"/proc/{seaweedfs.pid}/environ").read_text()
    assert SECRET_KEY.reveal() not in arguments + environ
    assert (seaweedfs.log.parent / "identities.json").stat().st_mode & 0o077 == 0
    assert seaweedfs.log.parent.stat().st_mode & 0o077 == 0


def test_a_misspelt_bucket_is_an_error(seaweedfs: Engine) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3_client(seaweedfs).put_object(Bucket="mispelt", Key="a", Body=b"")


def test_the_parts_behind_s3_show_and_take_nothing(seaweedfs: Engine, bucket: str) -> None:
    store = s3_store(seaweedfs, bucket)
    store.put("photos/a", b"private", content_type="image/jpeg")
    for part, path in [
        ("filer", f"buckets/{bucket}/photos/a"),
        ("filer", f"buckets/{bucket}/"),
        ("master", f"col/delete?collection={bucket}"),
        ("master", "dir/assign"),
        ("volume", "1,0123456789"),
        ("volume", "admin/assign_volume"),
        ("admin", ""),
    ]:
        for method in ("GET", "PUT", "POST", "DELETE"):
            url = f"http://127.0.0.1:{seaweedfs.ports[f'{part}.port']}/{path}"
            assert requests.request(method, url, data=b"other").status_code in {400, 401, 404, 405}, (method, url)
    assert store.get("photos/a") == b"private"
