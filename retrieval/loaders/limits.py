"""What one file may cost: time, memory, and the size of what is inside it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ParseLimits"]


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """Limits of the child process that parses one file.

    Attributes:
        seconds: Wall clock for any file.
        seconds_per_megabyte: Wall clock added for each megabyte of the file.
        memory_megabytes: Address space of the child (where the system enforces it) and its resident memory.
        max_characters: Longest text a file may turn into.
        max_archive_megabytes: Largest sum of the uncompressed sizes inside an EPUB or DOCX.
        max_archive_ratio: Largest compression ratio of a member above one megabyte; prose reaches about 5,
            generated XML about 50.
        max_archive_entries: Most members inside an EPUB or DOCX.
    """

    seconds: float = 15.0
    seconds_per_megabyte: float = 3.0
    memory_megabytes: int = 2048
    max_characters: int = 200_000_000
    max_archive_megabytes: int = 512
    max_archive_ratio: float = 200.0
    max_archive_entries: int = 10_000

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.seconds_per_megabyte < 0:
            raise ValueError(f"seconds {self.seconds} + {self.seconds_per_megabyte} per MB is no time limit")
        for name in ("memory_megabytes", "max_characters", "max_archive_megabytes", "max_archive_entries"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} is below 1")
        if self.max_archive_ratio < 1:
            raise ValueError(f"max_archive_ratio {self.max_archive_ratio} is below 1")

    @property
    def max_file_bytes(self) -> int:
        """The largest file worth starting on: bytes and decoded text must fit the memory side by side."""
        return self.memory_megabytes * 1_000_000 // 4

    def wall_seconds(self, size: int) -> float:
        """Wall clock for a file of `size` bytes."""
        return self.seconds + self.seconds_per_megabyte * size / 1_000_000
