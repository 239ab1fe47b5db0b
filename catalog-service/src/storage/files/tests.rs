//! What the checker finds, with file and line, and what it makes of content without faults.
