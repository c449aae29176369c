//! In which order providers are asked.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use runcor_core::{ModelRequest, Strategy, TokenPrice};

use crate::slot::Slot;

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
    Candidate { name: &slot.name, priority: slot.priority, price: slot.price, models: &slot.models }
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
    /// One counter for all calls, also those that ask for round-robin themselves.
    turn: AtomicUsize,
}

/// The slots to ask, in order; made without allocation for the named strategies.
#[derive(Debug)]
pub(crate) enum Plan<'a> {
    Fixed(&'a [usize]),
    Rotated { start: usize, count: usize },
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
            turn: AtomicUsize::new(0),
        }
    }

    /// Returns the order for one call among the slots that `eligible` lets through.
    ///
    /// Returns `Err` with the number of available slots when a custom strategy
    /// wants none of them.
    pub(crate) fn plan(
        &self,
        asked: Option<Strategy>,
        slots: &[Arc<Slot>],
        call: &ModelRequest,
        eligible: impl Fn(&Slot) -> bool,
    ) -> Result<Plan<'_>, usize> {
        let named = match (asked, &self.default) {
            (Some(named), _) => named,
            (None, Standing::Named(named)) => *named,
            (None, Standing::Custom(custom)) => return chosen(custom, slots, call, eligible),
        };
        Ok(match named {
            // Latencies are not measured yet.
            Strategy::Priority | Strategy::LeastLatency => Plan::Fixed(&self.by_priority),
            Strategy::LowestCost => Plan::Fixed(&self.by_price),
            Strategy::RoundRobin => self.rotated(slots, eligible),
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

fn chosen<'a>(
    custom: &Custom,
    slots: &[Arc<Slot>],
    call: &ModelRequest,
    eligible: impl Fn(&Slot) -> bool,
) -> Result<Plan<'a>, usize> {
    let available: Vec<_> = slots
        .iter()
        .enumerate()
        .filter(|(_, slot)| eligible(slot) && slot.is_available())
        .map(|(index, _)| index)
        .collect();
    if available.is_empty() {
        return Ok(Plan::Chosen(Vec::new()));
    }
    let order = custom.order(slots, &available, call);
    if order.is_empty() { Err(available.len()) } else { Ok(Plan::Chosen(order)) }
}
