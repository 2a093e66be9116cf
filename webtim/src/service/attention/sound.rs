//! The tone of a new message: two short notes, made here.

use std::cell::RefCell;

use web_sys::{AudioContext, AudioContextState, OscillatorType};

/// Plays the tone. Makes the context that plays on first use, which browsers permit only after somebody touched the page;
/// until then there is silence.
#[derive(Default)]
pub(super) struct Sound {
    context: RefCell<Option<AudioContext>>,
}

/// Frequency in hertz, start and length in seconds.
const NOTES: [(f32, f64, f64); 2] = [(659.25, 0.0, 0.16), (987.77, 0.09, 0.28)];

impl Sound {
    /// Plays the tone once.
    pub(super) fn play(&self) {
        let mut context = self.context.borrow_mut();
        if context.is_none() {
            *context = AudioContext::new().ok();
        }
        if let Some(context) = context.as_ref() {
            if context.state() == AudioContextState::Suspended {
                // It goes on by itself after the next touch if it may not now.
                drop(context.resume());
            }
            for (frequency, start, length) in NOTES {
                // A tone that cannot be made is not worth a word.
                drop(note(context, frequency, start, length));
            }
        }
    }
}

fn note(
    context: &AudioContext,
    frequency: f32,
    start: f64,
    length: f64,
) -> Result<(), wasm_bindgen::JsValue> {
    let begin = context.current_time() + start;
    let oscillator = context.create_oscillator()?;
    oscillator.set_type(OscillatorType::Sine);
    oscillator.frequency().set_value(frequency);
    let gain = context.create_gain()?;
    let volume = gain.gain();
    volume.set_value_at_time(0.0001, begin)?;
    volume.exponential_ramp_to_value_at_time(0.12, begin + 0.015)?;
    volume.exponential_ramp_to_value_at_time(0.0001, begin + length)?;
    oscillator.connect_with_audio_node(&gain)?;
    gain.connect_with_audio_node(&context.destination())?;
    oscillator.start_with_when(begin)?;
    oscillator.stop_with_when(begin + length + 0.02)
}
