"""Block types that come with Antiphon, and words for names that are not there."""

import difflib
from collections.abc import Collection

#: Types that cannot be deleted.
PROTECTED = frozenset(
    {
        *("secret", "webhook", "custom-webhook"),
        *("local-file-system", "remote-file-system", "smb", "redisstoragecontainer"),
        *("docker-registry-credentials", "kubernetes-cluster-config"),
        *("slack-webhook", "ms-teams-webhook", "pager-duty-webhook", "twilio-sms", "opsgenie-webhook"),
        *("mattermost-webhook", "discord-webhook", "sendgrid-email"),
    }
)


def hint_at(name: str, known: Collection[str], command: str) -> str:
    """What a person may have meant, and where to look."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{meant}`{command}` shows those there are"
