//! Quality: evaluations, executions that wait for theirs, and flags.

mod shelf;

use runcor_core::{
    Evaluation, EvaluationQuery, ExecutionId, Flag, FlagQuery, FlagStatus, FlowName, Page, TenantId,
};

pub(crate) use shelf::{Former, Shelf, Shelved};

/// Everything about quality that the store holds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Quality {
    pub(crate) evaluations: Shelf<Evaluation>,
    /// The executions that wait to be evaluated.
    pub(crate) waiting: Shelf<ExecutionId>,
    pub(crate) flags: Shelf<Flag>,
}

/// How a step is taken back.
#[derive(Debug)]
pub(crate) enum QualityUndo {
    Evaluation(ExecutionId, Former<Evaluation>),
    Waiting(ExecutionId, Former<ExecutionId>),
    Flag(ExecutionId, Former<Flag>),
}

impl Shelved for Evaluation {
    fn flow(&self) -> Option<&FlowName> {
        Some(&self.flow_name)
    }

    fn tenant(&self) -> Option<&TenantId> {
        self.tenant_id.as_ref()
    }
}

impl Shelved for Flag {
    fn flow(&self) -> Option<&FlowName> {
        Some(&self.flow_name)
    }

    fn tenant(&self) -> Option<&TenantId> {
        self.tenant_id.as_ref()
    }
}

impl Shelved for ExecutionId {
    fn flow(&self) -> Option<&FlowName> {
        None
    }

    fn tenant(&self) -> Option<&TenantId> {
        None
    }
}

impl Quality {
    pub(crate) fn evaluate(&mut self, evaluation: Box<Evaluation>) -> [QualityUndo; 2] {
        let id = evaluation.execution_id;
        let waiting = QualityUndo::Waiting(id, self.waiting.remove(id));
        [QualityUndo::Evaluation(id, self.evaluations.renew(id, evaluation)), waiting]
    }

    pub(crate) fn wait(&mut self, id: ExecutionId) -> QualityUndo {
        QualityUndo::Waiting(id, self.waiting.set(id, Box::new(id)))
    }

    pub(crate) fn skip(&mut self, id: ExecutionId) -> QualityUndo {
        QualityUndo::Waiting(id, self.waiting.remove(id))
    }

    pub(crate) fn flag(&mut self, flag: Box<Flag>) -> QualityUndo {
        let id = flag.execution_id;
        QualityUndo::Flag(id, self.flags.set(id, flag))
    }

    pub(crate) fn flag_status(&self, id: ExecutionId) -> Option<FlagStatus> {
        self.flags.get(id).map(|flag| flag.status)
    }

    /// Forgets all about an execution.
    pub(crate) fn forget(&mut self, id: ExecutionId) -> [QualityUndo; 3] {
        [
            QualityUndo::Evaluation(id, self.evaluations.remove(id)),
            QualityUndo::Waiting(id, self.waiting.remove(id)),
            QualityUndo::Flag(id, self.flags.remove(id)),
        ]
    }

    /// Forgets the oldest evaluation.
    pub(crate) fn forget_oldest(&mut self) -> Option<QualityUndo> {
        let id = self.evaluations.items().next()?.execution_id;
        Some(QualityUndo::Evaluation(id, self.evaluations.remove(id)))
    }

    pub(crate) fn undo(&mut self, undo: QualityUndo) {
        match undo {
            QualityUndo::Evaluation(id, former) => self.evaluations.restore(id, former),
            QualityUndo::Waiting(id, former) => self.waiting.restore(id, former),
            QualityUndo::Flag(id, former) => self.flags.restore(id, former),
        }
    }

    pub(crate) fn evaluations(&self, query: &EvaluationQuery) -> Page<Evaluation> {
        let owner = (query.flow.as_ref(), query.tenant.as_ref());
        let fits =
            |evaluation: &Evaluation| query.since.is_none_or(|since| evaluation.timestamp >= since);
        self.evaluations.page(owner, query.order, query.after, query.limit, fits)
    }

    pub(crate) fn flags(&self, query: &FlagQuery) -> Page<Flag> {
        let owner = (query.flow.as_ref(), query.tenant.as_ref());
        let fits = |flag: &Flag| query.status.is_none_or(|status| flag.status == status);
        self.flags.page(owner, runcor_core::Order::Oldest, query.after, query.limit, fits)
    }
}
