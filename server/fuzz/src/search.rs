//! The search: takes a script from the pool, changes it, plays it, keeps it when the server did something new. Looks
//! at the memory of the process on the way.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::minimize::minimize;
use crate::mutation::mutate;
use crate::script::Script;
use crate::stage::Stage;
use crate::{allocation, coverage, oracle, seeds};

/// Scripts that are played to one server before it is stopped and another one started.
const SCRIPTS_PER_SERVER: u32 = 10_000;
/// Plays spent on making a script of the corpus shorter.
const PLAYS_FOR_CORPUS: usize = 60;
/// Plays spent on making a script that shows a fault shorter.
const PLAYS_FOR_FAULT: usize = 400;
/// Scripts kept in the corpus.
const CORPUS: usize = 5_000;
/// A script that takes longer is not kept.
const KEPT_TIME: Duration = Duration::from_millis(400);
/// What a server may keep for each script: three accounts, their contacts, rooms and positions; and how often it may
/// keep what was sent.
const KEPT_PER_SCRIPT: usize = 48 * 1024;
const KEPT_PER_BYTE: usize = 8;
/// What may stay of a server that was stopped.
const KEPT_AFTER_STOP: usize = 4 << 20;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long to search.
    pub time: Duration,
    /// Where random choices begin.
    pub seed: u64,
    /// Scripts to begin with; new ones are added.
    pub corpus: PathBuf,
    /// Where scripts that show faults go.
    pub faults: PathBuf,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Scripts played.
    pub played: u64,
    /// Scripts in the corpus.
    pub corpus: usize,
    /// Different things that the server was seen to do.
    pub sightings: usize,
    /// Faults, the same ones counted once.
    pub faults: usize,
}

/// Reads all scripts of a folder, in the order of their names.
///
/// # Errors
/// A file cannot be read or is no script.
pub fn read_corpus(folder: &Path) -> Result<Vec<(String, Script)>> {
    let mut scripts = Vec::new();
    if !folder.exists() {
        return Ok(scripts);
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "script") {
            let text = std::fs::read_to_string(&path)?;
            let script = Script::parse(&text).with_context(|| path.display().to_string())?;
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            scripts.push((name, script));
        }
    }
    scripts.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(scripts)
}

/// Copies scripts of a folder to another one: those that together show most, at most `count`. Scripts that take long,
/// or do not show the same twice, are left out.
///
/// # Errors
/// The files cannot be read or written, or a script shows a fault.
pub async fn select(from: &Path, to: &Path, count: usize) -> Result<usize> {
    let mut stage = Stage::build().await?;
    let mut candidates = Vec::new();
    for (name, script) in read_corpus(from)? {
        let start = Instant::now();
        let one = stage.play(&script).await?;
        let is_quick = start.elapsed() < KEPT_TIME;
        let other = stage.play(&script).await?;
        anyhow::ensure!(
            one.wrong.is_empty() && other.wrong.is_empty(),
            "{name}: {:?}",
            one.wrong
        );
        if is_quick {
            let steady: BTreeSet<String> = one.sightings.intersection(&other.sightings).cloned().collect();
            candidates.push((script, steady));
        }
    }
    let mut seen = BTreeSet::new();
    let mut chosen = 0;
    while chosen < count {
        let news = |steady: &BTreeSet<String>| steady.difference(&seen).count();
        // Of two that show as much, the shorter one.
        let best = (0..candidates.len()).max_by_key(|&index| {
            let (script, steady) = &candidates[index];
            (news(steady), std::cmp::Reverse(script.size()))
        });
        let Some(best) = best.filter(|&index| news(&candidates[index].1) > 0) else {
            break;
        };
        let (script, steady) = candidates.swap_remove(best);
        save(to, "", &script)?;
        seen.extend(steady);
        chosen += 1;
    }
    eprintln!("{chosen} scripts show {} things", seen.len());
    Ok(chosen)
}

/// A name that follows from the content.
fn file_name(script: &str) -> String {
    let hash = script.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}.script")
}

fn save(folder: &Path, heading: &str, script: &Script) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let text = script.to_string();
    let path = folder.join(file_name(&text));
    std::fs::write(&path, format!("{heading}{text}"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// A search under way.
pub struct Search {
    options: Options,
    rng: StdRng,
    stage: Stage,
    /// Bytes in use when the server was new.
    at_start: usize,
    /// Bytes in use before the first server.
    before: usize,
    pool: Vec<Script>,
    seen: BTreeSet<String>,
    known_faults: BTreeSet<String>,
    summary: Summary,
}

impl Search {
    /// Prepares a search: plays the corpus and the seeds.
    ///
    /// # Errors
    /// The corpus cannot be read or the server not be started.
    pub async fn prepare(options: Options) -> Result<Self> {
        let before = allocation::live();
        let stage = Stage::build().await?;
        let mut search = Self {
            rng: StdRng::seed_from_u64(options.seed),
            stage,
            at_start: allocation::live(),
            before,
            pool: Vec::new(),
            seen: BTreeSet::new(),
            known_faults: BTreeSet::new(),
            summary: Summary::default(),
            options,
        };
        let kept = read_corpus(&search.options.corpus)?;
        search.summary.corpus = kept.len();
        for (_, script) in kept {
            let new = search.play(&script).await?;
            search.seen.extend(new);
            search.pool.push(script);
        }
        for script in seeds::all() {
            search.consider(script).await?;
        }
        Ok(search)
    }

    /// Searches until the time is over.
    ///
    /// # Errors
    /// Files cannot be written, or no server be started.
    pub async fn run(mut self) -> Result<Summary> {
        let start = Instant::now();
        let mut told = start;
        while start.elapsed() < self.options.time {
            let parent = self.choose();
            let script = mutate(&parent, &self.pool, &mut self.rng);
            self.consider(script).await?;
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                self.tell(start.elapsed());
            }
        }
        self.tell(start.elapsed());
        let last = self.stage.close().await;
        if !last.is_empty() {
            eprintln!("at the end: {last:?}");
            self.summary.faults += 1;
        }
        Ok(self.summary)
    }

    fn tell(&self, elapsed: Duration) {
        let (reached, places) = (coverage::reached(), coverage::places());
        let Summary {
            played,
            corpus,
            faults,
            ..
        } = self.summary;
        eprintln!(
            "{:>6} s  {played} scripts, {} sightings, {reached} of {places} places, corpus {corpus}, {} KiB in use, {faults} faults",
            elapsed.as_secs(),
            self.seen.len(),
            allocation::live() / 1024,
        );
    }

    /// Younger scripts of the pool more often.
    fn choose(&mut self) -> Script {
        let count = self.pool.len().max(1);
        let one = self.rng.random_range(0..count);
        let other = self.rng.random_range(0..count);
        let index = if self.rng.random_ratio(1, 3) {
            one.max(other)
        } else {
            one
        };
        self.pool.get(index).cloned().unwrap_or_default()
    }

    /// Plays a script; keeps it if it shows something new, or reaches new places in the code.
    async fn consider(&mut self, script: Script) -> Result<()> {
        let new = self.play(&script).await?;
        let reached_more = coverage::is_new();
        if new.is_empty() {
            if reached_more && self.summary.corpus < CORPUS {
                save(&self.options.corpus, "", &script)?;
                self.summary.corpus += 1;
                self.pool.push(script);
            }
            return Ok(());
        }
        let shortest = minimize(&script, &mut self.stage, PLAYS_FOR_CORPUS, |outcome| {
            outcome.wrong.is_empty() && new.is_subset(&outcome.sightings)
        })
        .await?;
        // Successions depend a little on the moment; what does not come again is not worth a file.
        let start = Instant::now();
        let again = self.play(&shortest).await?;
        let is_worth_it = again.intersection(&new).next().is_some() && start.elapsed() < KEPT_TIME;
        self.seen.extend(new);
        if is_worth_it && self.summary.corpus < CORPUS {
            save(&self.options.corpus, "", &shortest)?;
            self.summary.corpus += 1;
        }
        self.pool.push(shortest);
        Ok(())
    }

    /// Plays a script; answers what was never seen before.
    async fn play(&mut self, script: &Script) -> Result<BTreeSet<String>> {
        let outcome = self.stage.play(script).await?;
        self.summary.played += 1;
        if !outcome.wrong.is_empty() {
            self.fault(script, &outcome.wrong).await?;
        }
        if self.stage.load().0 >= SCRIPTS_PER_SERVER {
            self.change_server().await?;
        }
        let new = outcome.sightings.difference(&self.seen).cloned().collect();
        self.summary.sightings = self.seen.len();
        Ok(new)
    }

    /// Writes down a fault, once for every kind, as short as it gets. The server may be damaged, so another one goes on.
    async fn fault(&mut self, script: &Script, wrong: &[String]) -> Result<()> {
        let kind = kind_of(wrong);
        if !self.known_faults.insert(kind.clone()) {
            return self.fresh_stage().await;
        }
        self.summary.faults += 1;
        eprintln!("fault: {}", wrong.join("\n       "));
        let heading = |wrong: &[String]| {
            let lines: Vec<String> = wrong
                .iter()
                .flat_map(|text| text.lines())
                .map(|line| format!("# {line}\n"))
                .collect();
            lines.concat()
        };
        let path = save(&self.options.faults, &heading(wrong), script)?;
        eprintln!("       {}", path.display());
        self.fresh_stage().await?;
        let shortest = minimize(script, &mut self.stage, PLAYS_FOR_FAULT, |outcome| {
            !outcome.wrong.is_empty() && kind_of(&outcome.wrong) == kind
        })
        .await?;
        let path = save(&self.options.faults, &heading(wrong), &shortest)?;
        eprintln!("       {} has {} steps", path.display(), shortest.0.len());
        self.fresh_stage().await
    }

    async fn fresh_stage(&mut self) -> Result<()> {
        let old = std::mem::replace(&mut self.stage, Stage::build().await?);
        let last = old.close().await;
        if !last.is_empty() {
            eprintln!("while the server stopped: {last:?}");
        }
        drop(oracle::take());
        self.at_start = allocation::live();
        Ok(())
    }

    /// Checks how much memory the server uses after so many scripts, and how much of it stays when it is stopped.
    async fn change_server(&mut self) -> Result<()> {
        let grown = allocation::live().saturating_sub(self.at_start);
        let (scripts, sent) = self.stage.load();
        let allowed = usize::try_from(scripts).unwrap_or(usize::MAX) * KEPT_PER_SCRIPT + sent * KEPT_PER_BYTE;
        eprintln!(
            "{scripts} scripts of {} KiB made the server grow by {} KiB",
            sent / 1024,
            grown / 1024
        );
        if grown > allowed {
            self.summary.faults += 1;
            eprintln!("fault: growth by {grown} bytes, {allowed} are allowed");
        }
        // The pool and the sightings are ours.
        let ours: usize = self
            .pool
            .iter()
            .map(|script| script.size() + script.0.len() * 64)
            .sum::<usize>()
            + self
                .seen
                .iter()
                .map(|sighting| sighting.len() + 64)
                .sum::<usize>();
        self.fresh_stage().await?;
        let stays = self.at_start.saturating_sub(self.before + ours);
        eprintln!("{} KiB stay after it was stopped", stays / 1024);
        if stays > KEPT_AFTER_STOP {
            self.summary.faults += 1;
            eprintln!("fault: {stays} bytes stay of servers that were stopped");
        }
        Ok(())
    }
}

/// What distinguishes a fault from others: its first line, without numbers.
fn kind_of(wrong: &[String]) -> String {
    let line = wrong
        .first()
        .and_then(|text| text.lines().next())
        .unwrap_or_default();
    line.chars().filter(|c| !c.is_ascii_digit()).take(80).collect()
}
