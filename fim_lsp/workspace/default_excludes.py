"""Files that nobody wants to see anywhere else."""

from __future__ import annotations

from typing import Final

# Never sent anywhere, never context, never indexed. gitignore syntax; the last match wins, so "!" lets through.
EXCLUDED: Final = (
    ".env", ".env.*", "!.env.example", "!.env.sample", "!.env.template", ".envrc",
    "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.gpg", "*.asc", "*.ovpn",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".ssh/", ".gnupg/", ".aws/", ".azure/", ".kube/", ".docker/",
    ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".htpasswd", ".git-credentials", ".vault-token",
    *(f"{name}.{kind}" for name in ("credentials", "secrets", "secret") for kind in (
        "json", "yaml", "yml", "toml", "ini", "cfg", "conf", "properties", "xml", "txt", "csv", "db")),
    "*.tfvars", "*.tfstate*", ".terraformrc", "terraform.rc", "service-account*.json", ".git/",
)  # fmt: skip
