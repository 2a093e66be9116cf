//! Lines typed by a person, with editing and history, or read from a pipe. What arrives meanwhile is printed above
//! the line being typed.

use std::io::{self, BufRead, IsTerminal};
use std::sync::mpsc;

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor, ExternalPrinter};
use tokio::sync::mpsc as tokio_mpsc;

use crate::failure::Failure;
use crate::output;

/// Where lines come from and what is printed goes to.
pub(super) struct Keyboard {
    lines: tokio_mpsc::Receiver<String>,
    /// Tells the thread that the line was dealt with. Dropping it ends the thread.
    next: Option<mpsc::Sender<String>>,
    prompt: String,
    printer: Option<Box<dyn ExternalPrinter + Send>>,
    /// A line is being typed, and the terminal in a state of its own.
    is_typing: bool,
}

impl Keyboard {
    /// Starts reading. On a terminal with a prompt, otherwise line by line.
    pub(super) fn start(prompt: String) -> Result<Self, Failure> {
        if io::stdin().is_terminal() && io::stdout().is_terminal() {
            Self::terminal(prompt)
        } else {
            Ok(Self::pipe())
        }
    }

    fn terminal(prompt: String) -> Result<Self, Failure> {
        let unusable = |error: ReadlineError| Failure::usage(format!("the terminal cannot be used: {error}"));
        let config = Config::builder().auto_add_history(true).build();
        let mut editor =
            Editor::<(), MemHistory>::with_history(config, MemHistory::new()).map_err(unusable)?;
        let printer = editor.create_external_printer().map_err(unusable)?;
        let (line_sender, lines) = tokio_mpsc::channel(1);
        let (next, next_receiver) = mpsc::channel::<String>();
        // Reads only when asked, so that the terminal is in its normal state whenever the program ends.
        std::thread::spawn(move || {
            while let Ok(prompt) = next_receiver.recv() {
                let Ok(line) = editor.readline(&prompt) else {
                    return;
                };
                if line_sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        let mut keyboard = Self {
            lines,
            next: Some(next),
            prompt,
            printer: Some(Box::new(printer)),
            is_typing: false,
        };
        keyboard.ask();
        Ok(keyboard)
    }

    fn pipe() -> Self {
        let (line_sender, lines) = tokio_mpsc::channel(16);
        std::thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if line_sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            lines,
            next: None,
            prompt: String::new(),
            printer: None,
            is_typing: false,
        }
    }

    /// The next line. `None` at the end of input. Call [`Keyboard::ask`] when it was dealt with.
    pub(super) async fn line(&mut self) -> Option<String> {
        let line = self.lines.recv().await;
        self.is_typing = false;
        line
    }

    /// Leaves the terminal as it was. When somebody is typing, only they can end that.
    pub(super) async fn leave(&mut self) -> Result<(), Failure> {
        if self.is_typing {
            self.print("press Enter to leave")?;
            self.line().await;
        }
        Ok(())
    }

    /// What stands before the next line.
    pub(super) fn set_prompt(&mut self, prompt: String) {
        self.prompt = prompt;
    }

    /// Asks for another line.
    pub(super) fn ask(&mut self) {
        self.is_typing = self.printer.is_some();
        // When the thread is gone the channel of lines says so.
        if let Some(next) = &self.next
            && next.send(self.prompt.clone()).is_err()
        {}
    }

    /// Prints a line above the one being typed.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Failure> {
        match &mut self.printer {
            Some(printer) => printer
                .print(format!("{text}\n"))
                .map_err(|error| Failure::usage(format!("the terminal cannot be used: {error}"))),
            None => Ok(output::line(text)?),
        }
    }

    /// Whether a person types.
    pub(super) fn is_terminal(&self) -> bool {
        self.printer.is_some()
    }
}
