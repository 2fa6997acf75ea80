"""Images with a C2PA manifest, signed by a certificate made on the spot."""

from __future__ import annotations

import io
from datetime import datetime
from functools import cache
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_OFFLINE = {
    "verify": {"verify_after_sign": False, "verify_trust": False},
    "builder": {"thumbnail": {"enabled": False}},
}


def signed(image: bytes, source_type: str, *, mime: str = "image/jpeg", generator: str = "Painter") -> bytes:
    """Embed a manifest that says how the image was created."""
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPES + source_type}
    manifest: dict[str, Any] = {
        "claim_generator_info": [{"name": generator, "version": "3"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
    }
    context = c2pa.Context(c2pa.Settings.from_dict(_OFFLINE))
    output = io.BytesIO()
    chain, key = _certificate()
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, key, None))
    c2pa.Builder(manifest, context).sign(signer, mime, io.BytesIO(image), output)
    return output.getvalue()


@cache
def _certificate() -> tuple[bytes, bytes]:
    root, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    chain = [_issued("leaf", leaf, root, authority=False), _issued("root", root, root, authority=True)]
    pem = serialization.Encoding.PEM
    key = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return b"".join(one.public_bytes(pem) for one in chain), key


def _issued(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: ec.EllipticCurvePrivateKey, *, authority: bool
) -> x509.Certificate:
    public = issuer.public_key()
    usage = x509.KeyUsage(True, False, False, False, False, authority, authority, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("root"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2024, 1, 1))
        .not_valid_after(datetime(2044, 1, 1))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(issuer, hashes.SHA256())
    )


def _name(name: str) -> x509.Name:
    attributes = ((NameOID.COMMON_NAME, name), (NameOID.ORGANIZATION_NAME, "tests"))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in attributes])
