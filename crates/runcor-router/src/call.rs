//! A request on its way: what the router takes off, and which model each provider gets.

use std::mem;
use std::time::Duration;

use runcor_core::{CallScope, ModelRequest, Role, Strategy};

use crate::error::Error;
use crate::slot::Slot;

/// A request in the form that providers get, and what was meant for the router.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// What the provider gets.
    pub(crate) request: ModelRequest,
    /// The provider that alone may answer.
    pub(crate) pin: Option<String>,
    /// The strategy for this call.
    pub(crate) strategy: Option<Strategy>,
    /// How long one request may take.
    pub(crate) timeout: Option<Duration>,
    /// Whether a second request may be made when the first is slow.
    pub(crate) may_hedge: bool,
    /// Who asks, and who counts the money; no business of providers.
    pub(crate) scope: CallScope,
    /// Whether the provider that was aimed at last gets another model than the
    /// caller named, because it would not know that one.
    pub(crate) substituted: bool,
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
        let timeout = request.timeout.take();
        let may_hedge = request.hedge.take().unwrap_or(true);
        let scope = mem::take(&mut request.scope);
        if request.system_prompt.is_some() {
            request.messages.retain(|message| message.role != Role::System);
        }
        if request.is_empty() {
            return Err(Error::EmptyRequest);
        }
        if !request.messages.is_empty() {
            request.prompt = None;
        }
        let (substituted, named) = (false, None);
        Ok(Self { request, pin, strategy, timeout, may_hedge, scope, substituted, named })
    }

    /// Returns the model that the caller named.
    pub(crate) fn named_model(&self) -> Option<&str> {
        match &self.named {
            Some(named) => named.as_deref(),
            None => self.request.model.as_deref(),
        }
    }

    /// Returns the model that `slot` should use, and whether it stands in for another.
    ///
    /// A provider that knows the model gets it by its own name. The caller's word
    /// holds for the first provider asked, and for every one that may know it.
    /// Any other fallback gets the first of its own, since another vendor's
    /// name would only be rejected there.
    pub(crate) fn target<'a>(
        &'a self,
        slot: &'a Slot,
        is_fallback: bool,
    ) -> (Option<&'a str>, bool) {
        let Some(named) = self.named_model() else { return (slot.first_model(), false) };
        match slot.own_name(named) {
            Some(own) => (Some(own), false),
            None if is_fallback && slot.lacks(named) => (slot.first_model(), true),
            None => (Some(named), false),
        }
    }

    /// Puts the model into the request that `slot` should use.
    pub(crate) fn aim(&mut self, slot: &Slot, is_fallback: bool) {
        let (wanted, substituted) = self.target(slot, is_fallback);
        if wanted != self.request.model.as_deref() {
            let wanted = wanted.map(str::to_owned);
            let before = mem::replace(&mut self.request.model, wanted);
            self.named.get_or_insert(before);
        }
        self.substituted = substituted;
    }
}
