//! In which order providers are asked.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use runcor_core::{ModelRequest, Strategy, TokenPrice};

use crate::call::Call;
use crate::slot::Slot;
use crate::weights::Weights;

/// An available provider, as a custom strategy sees it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The registered name.
    pub name: &'a str,
    /// The priority; lower is meant to be asked first.
    pub priority: u32,
    /// The price, where one is known.
    pub price: Option<TokenPrice>,
    /// The weight for strategies that share requests out.
    pub weight: u32,
    /// The models it serves; empty means any.
    pub models: &'a [String],
}

type Choose = dyn Fn(&[Candidate<'_>], &ModelRequest) -> Vec<usize> + Send + Sync;

/// A strategy in the user's own code.
#[derive(Clone)]
pub(crate) struct Custom(Arc<Choose>);

impl Custom {
    pub(crate) fn new(
        choose: impl Fn(&[Candidate<'_>], &ModelRequest) -> Vec<usize> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(choose))
    }

    /// Asks for the order of `available` slots; what it names twice or does not know is left out.
    fn order(&self, slots: &[Arc<Slot>], available: &[usize], call: &ModelRequest) -> Vec<usize> {
        let candidates: Vec<_> =
            available.iter().filter_map(|index| slots.get(*index)).map(|slot| seen(slot)).collect();
        let mut order = Vec::with_capacity(available.len());
        for position in (self.0)(&candidates, call) {
            if let Some(index) = available.get(position)
                && !order.contains(index)
            {
                order.push(*index);
            }
        }
        order
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custom")
    }
}

fn seen(slot: &Slot) -> Candidate<'_> {
    let Slot { name, priority, price, weight, models, .. } = slot;
    Candidate { name, priority: *priority, price: *price, weight: *weight, models }
}

/// The strategy that holds where a request names none.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    Named(Strategy),
    Custom(Custom),
}

/// Everything that ordering needs, worked out once.
#[derive(Debug)]
pub(crate) struct Orders {
    default: Standing,
    by_priority: Box<[usize]>,
    by_price: Box<[usize]>,
    /// Whether the order by price depends on the model.
    by_model: bool,
    /// One counter for all calls, also those that ask for round-robin themselves.
    turn: AtomicUsize,
    weights: Weights,
}

/// The slots to ask, in order; made without allocation for the named strategies.
#[derive(Debug)]
pub(crate) enum Plan<'a> {
    Fixed(&'a [usize]),
    Rotated { start: usize, count: usize },
    Only(usize),
    Chosen(Vec<usize>),
}

impl Plan<'_> {
    /// Returns the slot at `position` of the order.
    pub(crate) fn at(&self, position: usize) -> Option<usize> {
        match self {
            Self::Fixed(order) => order.get(position).copied(),
            Self::Rotated { start, count } => {
                (position < *count).then(|| (start + position) % count)
            }
            Self::Only(index) => (position == 0).then_some(*index),
            Self::Chosen(order) => order.get(position).copied(),
        }
    }
}

impl Orders {
    pub(crate) fn new(default: Standing, slots: &[Arc<Slot>]) -> Self {
        let sorted = |key: &dyn Fn(&Slot) -> (bool, i64)| {
            let mut order: Vec<_> = slots.iter().enumerate().collect();
            order.sort_by_key(|(_, slot)| key(slot));
            order.into_iter().map(|(index, _)| index).collect::<Box<[_]>>()
        };
        let price = |slot: &Slot| slot.price.map(|price| price.combined_picos());
        Self {
            default,
            by_priority: sorted(&|slot| (false, i64::from(slot.priority))),
            by_price: sorted(&|slot| (price(slot).is_none(), price(slot).unwrap_or(0))),
            by_model: slots.iter().any(|slot| !slot.model_prices.is_empty()),
            turn: AtomicUsize::new(0),
            weights: Weights::new(slots),
        }
    }

    /// Returns the order for one call among the slots that `eligible` lets through.
    ///
    /// Returns `Err` with the number of available slots when a custom strategy
    /// wants none of them.
    pub(crate) fn plan(
        &self,
        call: &Call,
        slots: &[Arc<Slot>],
        eligible: impl Fn(&Slot) -> bool,
    ) -> Result<Plan<'_>, usize> {
        let named = match (call.strategy, &self.default) {
            (Some(named), _) => named,
            (None, Standing::Named(named)) => *named,
            (None, Standing::Custom(custom)) => {
                return chosen(custom, slots, &call.request, eligible);
            }
        };
        Ok(match named {
            Strategy::Priority => Plan::Fixed(&self.by_priority),
            Strategy::LowestCost if self.by_model => Plan::Chosen(by_price_of_model(slots, call)),
            Strategy::LowestCost => Plan::Fixed(&self.by_price),
            Strategy::RoundRobin => self.rotated(slots, eligible),
            Strategy::Weighted => Plan::Chosen(self.weights.order(&ready(slots, eligible))),
            Strategy::LeastLatency => Plan::Chosen(by_latency(slots, ready(slots, eligible))),
        })
    }

    /// Begins at the next of the available slots, so that those share evenly
    /// while others are away.
    fn rotated(&self, slots: &[Arc<Slot>], eligible: impl Fn(&Slot) -> bool) -> Plan<'_> {
        let ready = |slot: &Arc<Slot>| eligible(slot) && slot.is_available();
        let available = slots.iter().filter(|slot| ready(slot)).count();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(available).unwrap_or(0);
        let start = slots.iter().enumerate().filter(|(_, slot)| ready(slot)).nth(turn);
        Plan::Rotated { start: start.map_or(0, |(index, _)| index), count: slots.len() }
    }
}

/// The positions of the slots that may be asked now.
fn ready(slots: &[Arc<Slot>], eligible: impl Fn(&Slot) -> bool) -> Vec<usize> {
    let ready = slots.iter().enumerate().filter(|(_, slot)| eligible(slot) && slot.is_available());
    ready.map(|(index, _)| index).collect()
}

fn by_price_of_model(slots: &[Arc<Slot>], call: &Call) -> Vec<usize> {
    let price = |slot: &Slot| slot.price_of(call.target(slot, false).0);
    let key = |slot: &Slot| price(slot).map_or((true, 0), |price| (false, price.combined_picos()));
    let mut order: Vec<_> = slots.iter().enumerate().map(|(at, slot)| (key(slot), at)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, index)| index).collect()
}

/// The available slots by their expected latency; those not yet measured first.
///
/// What is expected falls with time, until the slowest has its turn again. Then
/// one request finds out.
fn by_latency(slots: &[Arc<Slot>], available: Vec<usize>) -> Vec<usize> {
    slots.iter().for_each(|slot| slot.vitals.latency.measure());
    let Some(now) = slots.first().map(|slot| slot.clock.now()) else { return available };
    let expected = |index: usize| {
        let latency = slots.get(index).and_then(|slot| slot.vitals.latency.expected(now));
        (latency.unwrap_or(-1.0), index)
    };
    let mut order: Vec<_> = available.into_iter().map(expected).collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0));
    if let Some(first) = order.first().and_then(|(_, index)| slots.get(*index)) {
        first.vitals.latency.tried(now);
    }
    order.into_iter().map(|(_, index)| index).collect()
}

fn chosen<'a>(
    custom: &Custom,
    slots: &[Arc<Slot>],
    call: &ModelRequest,
    eligible: impl Fn(&Slot) -> bool,
) -> Result<Plan<'a>, usize> {
    let available = ready(slots, eligible);
    if available.is_empty() {
        return Ok(Plan::Chosen(Vec::new()));
    }
    let order = custom.order(slots, &available, call);
    if order.is_empty() { Err(available.len()) } else { Ok(Plan::Chosen(order)) }
}
