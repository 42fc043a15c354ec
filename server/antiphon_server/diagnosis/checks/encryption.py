"""Whether this server can read the secrets of blocks."""

from sqlalchemy import select

from antiphon_server.application.secret_box import SecretBox
from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.domain.errors import FailedPrecondition
from antiphon_server.storage.block_tables import block_documents as documents

ENCRYPTION_KEY_UNFIT = Symptom(
    "ENCRYPTION_KEY_UNFIT",
    Severity.ERROR,
    "The secrets of the block document that was made last cannot be decrypted, or the key cannot be read.",
    "Runs that load blocks with secrets fail.",
    "Give the server the key with which they were encrypted, by ANTIPHON_SERVER_ENCRYPTION_KEY or the file "
    "`encryption.key` beside the database; the same to all servers. Where it is lost: save the blocks anew.",
)
SYMPTOMS = (ENCRYPTION_KEY_UNFIT,)


async def check_encryption(patient: Patient) -> list[Finding]:
    """By the newest secret there is."""
    columns = documents.c
    query = select(columns.id, columns.name, columns.secrets).where(columns.secrets.is_not(None))
    query = query.order_by(columns.create_time.desc(), columns.id.desc()).limit(1)
    for row in await patient.rows(query):
        try:
            SecretBox(patient.keys).open(row.secrets, f"block document {row.name or row.id!r}")
        except FailedPrecondition as error:
            return [ENCRYPTION_KEY_UNFIT.found(str(error), block_document_id=row.id)]
    return []
