//! Tells partners which products they are entitled to, how to install them, and reveals product keys.
