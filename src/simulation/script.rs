//! Steps of a definition beside the responses that a simulated device gives to them.

use std::fmt;

use crate::library::template::Step;
use crate::link::Notification;
use crate::types::Endpoint;

use super::context::Buffers;

/// Steps that the hardware answers, and the responses.
pub(super) struct Script {
    /// The steps, whatever they are done for: a simulated device is ready for all of them.
    pub(super) steps: Vec<Step>,
    /// The response to each step that has one.
    pub(super) responses: Responses,
    /// The bytes that are known after the last step.
    pub(super) buffers: Buffers,
    /// Conditions that no response satisfies.
    pub(super) unmet: Vec<String>,
}

/// One for each step; `None` for steps without an response.
pub(super) type Responses = Vec<Option<Vec<u8>>>;

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} steps)", self.steps.len())
    }
}

impl Script {
    /// What the hardware says between the step at `at` and the next one that has it wait.
    pub(super) fn said_after(&self, at: usize) -> Vec<Notification> {
        let after = self.steps.iter().zip(&self.responses).skip(at + 1);
        after
            .take_while(|(step, _)| !matches!(step, Step::Write(_) | Step::Subscribe(_)))
            .filter_map(|(step, response)| match step {
                Step::Wait { endpoint, .. } | Step::Maybe { endpoint, .. } => {
                    Some(Notification { endpoint: *endpoint, data: response.clone()? })
                }
                _ => None,
            })
            .collect()
    }

    /// The value that the first step which reads this endpoint gets.
    pub(super) fn value_of(&self, wanted: Endpoint) -> Option<Vec<u8>> {
        self.steps.iter().zip(&self.responses).find_map(|(step, response)| match step {
            Step::Read { endpoint, .. } if *endpoint == wanted => response.clone(),
            _ => None,
        })
    }
}

/// Keeps the response of a step under the name that the step gives it.
pub(super) fn remember(known: &mut Buffers, step: &Step, response: Option<&[u8]>) {
    if let Step::Wait { name: Some(name), .. }
    | Step::Maybe { name: Some(name), .. }
    | Step::Read { name: Some(name), .. } = step
    {
        known.insert(name.clone(), response.unwrap_or_default().to_vec());
    }
}
