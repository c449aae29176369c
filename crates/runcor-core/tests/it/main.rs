//! What core promises to whoever writes flows, on fakes of everything around it.


mod places;
mod support;
