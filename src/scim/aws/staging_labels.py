"""The staging labels that Secrets Manager itself uses to tell the versions of a secret apart.

Source: AWS Secrets Manager user guide, "Secret versions".
"""

from __future__ import annotations

AWSCURRENT, AWSPREVIOUS, AWSPENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
