"""A certificate authority made on the spot, good for one run on one machine."""

import datetime
import ipaddress
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=30)
BACKDATED = datetime.timedelta(days=1)
ZERO = datetime.timedelta()


class Authority:
    """Issues server certificates, for 127.0.0.1 and localhost. A client has to trust `ca_file`."""

    def __init__(self, directory: pathlib.Path):
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Stand-in of Globus: authority")
        self._certificate = self._sign(self._name, self._key, [
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_key_usage(key_cert_sign=True, crl_sign=True), True)], LIFETIME)
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_bytes(_pem(self._certificate))

    def server_context(self, *hosts: str, lifetime: datetime.timedelta = LIFETIME) -> ssl.SSLContext:
        """For `hosts` besides, or with a negative lifetime for none any more."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [*map(x509.DNSName, ("localhost", *hosts)), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return self._context_of(key, names, lifetime)

    def foreign_context(self) -> ssl.SSLContext:
        """For another host only."""
        return self._context_of(ec.generate_private_key(ec.SECP256R1()), [x509.DNSName("elsewhere.example")],
                                LIFETIME)

    def _context_of(self, key, names, lifetime) -> ssl.SSLContext:
        certificate = self._sign(_name("localhost"), key, [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName(names), False)], lifetime)

        pem = self._directory / "server.pem"
        pem.touch(mode=0o600)
        pem.write_bytes(_pem(certificate) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(pem)
        return context

    def _sign(self, subject, key, extensions, lifetime) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder()
                   .subject_name(subject)
                   .issuer_name(self._name)
                   .public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now - BACKDATED + min(lifetime, ZERO))
                   .not_valid_after(now + lifetime)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                                  critical=False))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _key_usage(**wanted: bool) -> x509.KeyUsage:
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{usage: wanted.get(usage, False) for usage in every})


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
