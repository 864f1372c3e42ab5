"""The staging labels that Secrets Manager attaches to the versions of a secret.

Source: AWS Secrets Manager user guide, "Secret versions".
"""

from __future__ import annotations

AWSCURRENT, AWSPREVIOUS, AWSPENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
