"""What the judge and the warm process agree on besides `wire`; can be imported anywhere."""

from __future__ import annotations

import struct

#: A request for a child: bytes of memory and seconds of processor time that it may use at most.
CHILD = struct.Struct("<QQ")

#: What a child may still use, to its supervisor: processor seconds, and seconds by the clock.
ALLOWANCE = struct.Struct("<dd")

#: What a child says once it is shut in, before it knows the submission.
READY = "ready"
