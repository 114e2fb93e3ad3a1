//! What is read and written in version 3.
