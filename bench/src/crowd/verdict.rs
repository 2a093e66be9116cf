//! What a crowd reports when a measurement is over.

use super::{Crowd, Manner};
use crate::report::Trial;
use crate::sequence::Verdict;

impl Crowd {
    /// Moves the latencies since the last call to `trial`, under names that start with `prefix`.
    pub fn report_latencies(&mut self, trial: &mut Trial, prefix: &str) {
        trial.latency(
            &format!("{prefix}last_receiver"),
            std::mem::take(&mut self.last_receiver),
        );
        trial.latency(
            &format!("{prefix}each_receiver"),
            std::mem::take(&mut self.each_receiver),
        );
    }

    /// Notes in `trial` everything that was not as it must be. To be called when all is settled.
    pub fn verify(&self, trial: &mut Trial, prefix: &str) {
        let (mut verdict, mut falling, mut undrained) = (Verdict::default(), 0, self.absent);
        for member in self.members.iter().filter(|member| member.manner != Manner::Mute) {
            undrained += u64::from(!member.drained);
            for seat in &member.seats {
                let room = (seat.series - self.first_series) as usize;
                verdict = verdict.and(seat.numbers.verdict(self.rooms[room].sent));
                falling += seat.mids.violations();
            }
        }
        trial.violation(verdict.missing, &format!("{prefix}room deliveries missing"));
        trial.violation(verdict.doubled, &format!("{prefix}room deliveries doubled"));
        trial.violation(
            verdict.reordered,
            &format!("{prefix}room deliveries out of order"),
        );
        trial.violation(verdict.unexpected, &format!("{prefix}room deliveries never sent"));
        trial.violation(
            falling,
            &format!("{prefix}message numbers (mid) that did not rise"),
        );
        trial.violation(
            self.holes,
            &format!("{prefix}message numbers (mid) with holes or given twice"),
        );
        trial.violation(
            undrained,
            &format!("{prefix}offline queues without an end marker"),
        );
        for (code, count) in &self.refusals {
            trial.violation(
                *count,
                &format!("{prefix}room messages refused with error {code}"),
            );
        }
        trial.violation(
            self.unexpected,
            &format!("{prefix}packets that belong to no room"),
        );
        let name = "deliveries_verified";
        let earlier = trial.figures.get(name).copied().unwrap_or(0.0);
        trial.figure(name, earlier + verdict.received as f64);
    }
}
