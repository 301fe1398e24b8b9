//! Model files: bytes in, bytes out.
