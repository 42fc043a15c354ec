"""A Redis that is spoken to by TLS."""

import datetime
import ipaddress
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from held_leases import Holder, limited
from redis_server import RedisServer
from running_server import RunningServer
from until import until
from world import World


def certificate(folder: Path) -> tuple[Path, Path]:
    """Of this machine, for a day, signed by itself; and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "redis.crt", folder / "redis.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(*form))
    return paths


def test_leases_are_kept_there(tmp_path: Path) -> None:
    public, private = certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    redis = RedisServer(tls_port=port, tls_cert_file=public, tls_key_file=private, tls_auth_clients="no")
    try:
        redis.start()
        url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={public}"
        with RunningServer(tmp_path, lease_storage=url) as server:
            holder = Holder(limited(World(server)), duration=300.0)
            until(lambda: holder.renew() > 0 and holder.id in redis.members())
    finally:
        redis.remove()
