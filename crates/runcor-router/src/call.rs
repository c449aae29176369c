//! A request on its way: what the router takes off, and which model each provider gets.

use std::mem;

use runcor_core::{ModelRequest, Role, Strategy};

use crate::error::Error;
use crate::slot::Slot;

/// A request in the form that providers get, and what was meant for the router.
#[derive(Debug)]
pub(crate) struct Call {
    /// What the provider gets.
    pub(crate) request: ModelRequest,
    /// The provider that alone may answer.
    pub(crate) pin: Option<String>,
    /// The strategy for this call.
    pub(crate) strategy: Option<Strategy>,
    /// The model that the caller named, once the request names another one.
    named: Option<Option<String>>,
}

impl Call {
    /// Takes off what is for the router, and makes the request unambiguous.
    ///
    /// # Errors
    /// [`Error::EmptyRequest`] when nothing is left to answer.
    pub(crate) fn new(mut request: ModelRequest) -> Result<Self, Error> {
        let pin = request.provider.take();
        let strategy = request.strategy.take();
        if request.system_prompt.is_some() {
            request.messages.retain(|message| message.role != Role::System);
        }
        if request.is_empty() {
            return Err(Error::EmptyRequest);
        }
        if !request.messages.is_empty() {
            request.prompt = None;
        }
        Ok(Self { request, pin, strategy, named: None })
    }

    /// Returns the model that the caller named.
    pub(crate) fn named_model(&self) -> Option<&str> {
        match &self.named {
            Some(named) => named.as_deref(),
            None => self.request.model.as_deref(),
        }
    }

    /// Puts the model into the request that `slot` should use.
    ///
    /// The caller's word holds for the first provider asked, and for every one
    /// that lists the model or lists none. A fallback that lists other models
    /// gets the first of its own, since another vendor's name would only be
    /// rejected there.
    pub(crate) fn aim(&mut self, slot: &Slot, is_fallback: bool) {
        let own = slot.models.first().map(String::as_str);
        let wanted = match self.named_model() {
            Some(named) if is_fallback && own.is_some() && !slot.lists(named) => own,
            Some(named) => Some(named),
            None => own,
        };
        if wanted != self.request.model.as_deref() {
            let wanted = wanted.map(str::to_owned);
            let before = mem::replace(&mut self.request.model, wanted);
            self.named.get_or_insert(before);
        }
    }
}
