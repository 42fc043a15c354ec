"""Whether there is room where the database is, what its log takes, and whether the disk is one of this machine."""

import asyncio
from pathlib import Path

from antiphon_server.diagnosis.finding import Finding, Severity, Symptom
from antiphon_server.diagnosis.patient import Patient
from antiphon_server.diagnosis.words import size

DISK_FULL = Symptom(
    "DISK_FULL",
    Severity.ERROR,
    "The disk of the database (SQLite) has hardly any room left.",
    "Once it is full nothing is stored: runs wait, and no run starts.",
    "Make room on the disk of {folder}: delete old backups there, have old runs and logs deleted (`antiphon server "
    "start --keep-runs DAYS --keep-logs DAYS`; the file keeps its size, and the room in it is used again), or move the "
    "home.",
)
DISK_NEARLY_FULL = Symptom(
    "DISK_NEARLY_FULL",
    Severity.WARNING,
    "Less than a twentieth of the disk of the database (SQLite) is free, or less than a backup of it takes.",
    "Backups and upgrades copy the database and fail without room; once the disk is full nothing is stored.",
    "Make room on the disk of {folder}, or move the home to a larger one (docs/operations.md, Size).",
)
LOG_LARGE = Symptom(
    "LOG_LARGE",
    Severity.WARNING,
    "SQLite's log beside the database (`antiphon.db-wal`) is larger than a gigabyte.",
    "It cannot be shortened while somebody reads an old state of the database; reads get slow, and the disk fills.",
    "Find who has the database open (`lsof {log}`): a backup that hangs, or an open `sqlite3`. End it.",
)
NETWORK_FILE_SYSTEM = Symptom(
    "NETWORK_FILE_SYSTEM",
    Severity.ERROR,
    "The database (SQLite) is on a file system of the network.",
    "SQLite's locks and its log do not work there: the database can be damaged, and what was acknowledged lost.",
    "Stop the server, move its home to a disk of this machine (ANTIPHON_HOME), or use PostgreSQL (docs/operations.md).",
)
SYMPTOMS = (DISK_FULL, DISK_NEARLY_FULL, LOG_LARGE, NETWORK_FILE_SYSTEM)

_OF_THE_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "ncpfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.ceph", "fuse.juicefs"}
)


async def check_disk(patient: Patient) -> list[Finding]:
    """Of SQLite: where PostgreSQL keeps its data is not to be seen from here."""
    assert patient.file is not None
    # A disk may hang, and the server shall not.
    return await asyncio.to_thread(_look, patient, patient.file)


def _look(patient: Patient, file: Path) -> list[Finding]:
    return [*_room(patient, file), *_log(patient, file), *_network(patient, file)]


def _room(patient: Patient, file: Path) -> list[Finding]:
    disk, taken = patient.disk(file.parent), _bytes(file)
    said = f"{size(disk.free)} of {size(disk.total)} are free on the disk of {file.parent}"
    facts = {"folder": file.parent, "free": disk.free, "total": disk.total, "database": taken}
    if disk.free < patient.bounds.no_room:
        return [DISK_FULL.found(said, **facts)]
    if disk.free < taken or disk.free < min(disk.total / 20, patient.bounds.little_room):
        return [DISK_NEARLY_FULL.found(f"{said}, and the database takes {size(taken)}", **facts)]
    return []


def _log(patient: Patient, file: Path) -> list[Finding]:
    log = file.with_name(f"{file.name}-wal")
    taken = _bytes(log)
    if taken < patient.bounds.log:
        return []
    return [LOG_LARGE.found(f"{log} takes {size(taken)}, and the database {size(_bytes(file))}", log=log, bytes=taken)]


def _network(patient: Patient, file: Path) -> list[Finding]:
    kind = _file_system(patient.mounts, file.parent.resolve())
    if kind not in _OF_THE_NETWORK:
        return []
    return [NETWORK_FILE_SYSTEM.found(f"{file.parent} is on a file system of the type {kind}", file_system=kind)]


def _bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _file_system(mounts: Path, folder: Path) -> str:
    """The type of what is mounted where the folder is; empty where the system does not tell."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    # Spaces and the like in paths are octal there. Later lines are mounted over earlier ones.
    found: tuple[int, str] = (-1, "")
    for line in lines:
        place, _, rest = line.partition(" - ")
        mounted = Path(place.split(" ")[4].encode().decode("unicode_escape"))
        if folder.is_relative_to(mounted) and len(mounted.parts) >= found[0]:
            found = len(mounted.parts), rest.split(" ")[0]
    return found[1]
