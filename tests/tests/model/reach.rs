//! Scripts are worth something only if they get somewhere: every operation has to be carried out, and refused for
//! every reason that the rules know, in the scripts of a few hundred seeds.

use std::collections::{BTreeMap, BTreeSet};

use tim_tests::ErrorCode;

use crate::model::{Mistake, Model, Verdict};
use crate::script::{Address, FriendDeed, RoomDeed, Script, Step};

/// Seeds that are looked at. Nothing is played, so they cost little.
const SEEDS: u64 = 400;

fn name(step: &Step) -> &'static str {
    match step {
        Step::Friend { deed, .. } => match deed {
            FriendDeed::Add => "add",
            FriendDeed::Remove => "remove",
            FriendDeed::Block => "block",
        },
        Step::Room { deed, .. } => match deed {
            RoomDeed::Create { .. } => "create",
            RoomDeed::Join => "join",
            RoomDeed::Leave => "leave",
            RoomDeed::Block => "block room",
            RoomDeed::Dissolve => "dissolve",
            RoomDeed::Pull(_) => "pull",
            RoomDeed::Reject(_) => "reject",
            RoomDeed::Kick(_) => "kick",
            RoomDeed::BlockMember(_) => "block member",
            RoomDeed::Appoint(_) => "appoint",
        },
        Step::Say { to, .. } => match to {
            Address::User(_) => "write",
            Address::Fellow { .. } => "write within a room",
            Address::Room(_) => "speak",
        },
        Step::Repeat { .. } => "repeat",
        Step::Recall { .. } => "recall",
        Step::LogOff(_) => "log off",
        Step::LogOn(_) => "log on",
        Step::Restart => "restart",
        Step::Crash => "crash",
        Step::Look => "look",
    }
}

#[test]
fn scripts_carry_out_and_are_refused_everything() {
    use ErrorCode::{Block, Cancel, ExpireOp, HasExist, NoExist, Params, PermDenied, Repeat};
    let mut reached: BTreeMap<&str, BTreeSet<Option<ErrorCode>>> = BTreeMap::new();
    for seed in 1..=SEEDS {
        let script = Script::generate(seed, crate::STEPS);
        let mut model = Model::new(&script, Mistake::None);
        for step in &script.steps {
            let verdict = model.apply(step);
            let outcome = match verdict {
                Verdict::Skip => continue,
                Verdict::Answer(_) => None,
                Verdict::Refused(code) => Some(code),
            };
            reached.entry(name(step)).or_default().insert(outcome);
            match step {
                Step::LogOff(device) => model.online[device.user][device.number] = false,
                Step::LogOn(device) => model.online[device.user][device.number] = true,
                _ => {}
            }
        }
    }
    let refusals: [(&str, &[ErrorCode]); 22] = [
        ("add", &[Block, Repeat]),
        ("remove", &[Params]),
        ("block", &[]),
        ("create", &[]),
        ("join", &[Block, HasExist, Cancel]),
        ("leave", &[PermDenied, NoExist, Cancel]),
        ("block room", &[PermDenied, Cancel]),
        ("dissolve", &[PermDenied, Cancel]),
        ("pull", &[HasExist, PermDenied, Cancel, Block]),
        ("reject", &[ExpireOp, PermDenied, Cancel, NoExist]),
        ("kick", &[PermDenied, Cancel, NoExist]),
        ("block member", &[PermDenied, Cancel]),
        ("appoint", &[PermDenied, Cancel]),
        ("write", &[PermDenied]),
        ("write within a room", &[PermDenied, Cancel]),
        ("speak", &[PermDenied, Cancel]),
        ("repeat", &[PermDenied, Params]),
        ("recall", &[PermDenied, Params, Cancel]),
        ("log off", &[]),
        ("log on", &[]),
        ("restart", &[]),
        ("crash", &[]),
    ];
    for (name, codes) in refusals {
        let reached = reached.get(name).unwrap_or_else(|| panic!("nobody does: {name}"));
        assert!(reached.contains(&None), "always refused: {name}");
        let missing: Vec<_> = codes
            .iter()
            .filter(|code| !reached.contains(&Some(**code)))
            .collect();
        assert!(
            missing.is_empty(),
            "{name} is never refused with {missing:?}, only {reached:?}"
        );
    }
}
