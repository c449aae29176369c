//! Vocabulary and seams of the runcor AI runtime
