//! What a chat reports when a measurement is over.

use super::Chat;
use crate::report::Trial;
use crate::sequence::Verdict;

impl Chat {
    /// Moves the latencies since the last call to `trial`, under names that start with `prefix`.
    pub fn report_latencies(&mut self, trial: &mut Trial, prefix: &str) {
        trial.latency(&format!("{prefix}echo"), std::mem::take(&mut self.echo_latency));
        trial.latency(
            &format!("{prefix}delivery"),
            std::mem::take(&mut self.delivery_latency),
        );
    }

    /// Notes in `trial` everything that was not as it must be. To be called when all is settled.
    pub fn verify(&self, trial: &mut Trial) {
        let (mut echoes, mut deliveries) = (Verdict::default(), Verdict::default());
        let (mut falling, mut holes) = (0, 0);
        for pair in self.participants.chunks_exact(2) {
            let [first, second] = pair else { continue };
            for (one, other) in [(first, second), (second, first)] {
                // Refused messages leave gaps that the refusals already tell of.
                echoes = echoes.and(one.echoes.verdict(one.sent));
                deliveries = deliveries.and(one.deliveries.verdict(other.sent));
                falling += one.echo_mids.violations() + one.delivery_mids.violations();
            }
            let stored = first.echoes.received() + second.echoes.received();
            let highest = first.echo_mids.highest().max(second.echo_mids.highest());
            holes += u64::try_from(highest).unwrap_or(0).abs_diff(stored);
        }
        for (verdict, name) in [(echoes, "echoes"), (deliveries, "deliveries")] {
            trial.violation(verdict.missing, &format!("{name} missing"));
            trial.violation(verdict.doubled, &format!("{name} doubled"));
            trial.violation(verdict.reordered, &format!("{name} out of order"));
            trial.violation(verdict.unexpected, &format!("{name} of messages never sent"));
        }
        trial.violation(falling, "message numbers (mid) that did not rise");
        trial.violation(holes, "message numbers (mid) left out or given twice");
        for (code, count) in &self.refusals {
            trial.violation(*count, &format!("messages refused with error {code}"));
        }
        trial.violation(self.unexpected, "packets that belong to no chat");
        let earlier = trial.figures.get("messages_verified").copied().unwrap_or(0.0);
        trial.figure("messages_verified", earlier + deliveries.received as f64);
    }

    /// Like [`Chat::verify`] where the server may refuse messages: each was echoed or refused, and
    /// exactly those that were echoed were delivered.
    pub fn verify_overloaded(&self, trial: &mut Trial) {
        let (mut unanswered, mut differing, mut falling) = (0, 0, 0);
        let mut both = Verdict::default();
        for pair in self.participants.chunks_exact(2) {
            let [first, second] = pair else { continue };
            for (one, other) in [(first, second), (second, first)] {
                unanswered += one.sent.abs_diff(one.echoes.received() + one.refused);
                if !one.echoes.same_numbers(&other.deliveries) {
                    let difference = one.echoes.received().abs_diff(other.deliveries.received());
                    differing += difference.max(1);
                }
                both = both
                    .and(one.echoes.verdict(one.sent))
                    .and(one.deliveries.verdict(other.sent));
                falling += one.echo_mids.violations() + one.delivery_mids.violations();
            }
        }
        trial.violation(unanswered, "messages neither echoed nor refused, or both");
        trial.violation(
            differing,
            "messages echoed but not delivered, or delivered but not echoed",
        );
        trial.violation(both.doubled, "echoes or deliveries doubled");
        trial.violation(both.reordered, "echoes or deliveries out of order");
        trial.violation(both.unexpected, "echoes or deliveries of messages never sent");
        trial.violation(falling, "message numbers (mid) that did not rise");
        trial.violation(self.unexpected, "packets that belong to no chat");
        trial.figure("messages_verified", both.received as f64 / 2.0);
    }
}
