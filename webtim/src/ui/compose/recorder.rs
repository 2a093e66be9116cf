//! Records the microphone: the browser encodes, and the level is measured while it does.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::Interval;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AnalyserNode, AudioContext, Blob, BlobEvent, BlobPropertyBag, MediaRecorder, MediaRecorderOptions,
    MediaStream, MediaStreamConstraints, MediaStreamTrack,
};

/// Longest recording, in milliseconds.
pub(super) const LONGEST: u64 = 5 * 60 * 1000;

/// Recordings below this length are mistakes, in milliseconds.
pub(super) const SHORTEST: u64 = 700;

/// Time between two measurements of the level, in milliseconds.
const STEP: u32 = 80;

/// Kinds of recordings, the best first. Every browser that records knows one of them.
const KINDS: [&str; 4] = [
    "audio/webm;codecs=opus",
    "audio/ogg;codecs=opus",
    "audio/mp4;codecs=mp4a.40.2",
    "audio/mp4",
];

/// Why nothing is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The person or the browser said no.
    Refused,
    /// There is no microphone.
    Missing,
    /// Another program has it.
    Busy,
    /// The page did not come over a secure connection.
    Insecure,
    /// The browser cannot record.
    Unsupported,
}

/// A recording under way. Dropping it stops it and lets the microphone go.
pub(super) struct Recorder {
    recorder: MediaRecorder,
    stream: MediaStream,
    context: Option<AudioContext>,
    started: f64,
    levels: Rc<RefCell<Vec<f32>>>,
    pieces: Array,
    _on_data: Closure<dyn FnMut(BlobEvent)>,
    _meter: Option<Interval>,
}

/// What was recorded.
pub(super) struct Recording {
    pub(super) content: Blob,
    pub(super) duration: u64,
    pub(super) levels: Vec<f32>,
}

impl Recorder {
    /// Asks for the microphone and begins. `level` is told again and again how loud it is, between 0 and 1.
    pub(super) async fn start(level: impl Fn(f32) + 'static) -> Result<Self, Refusal> {
        let stream = microphone().await?;
        Self::record(stream.clone(), level).map_err(|_| {
            release(&stream);
            Refusal::Unsupported
        })
    }

    fn record(stream: MediaStream, level: impl Fn(f32) + 'static) -> Result<Self, JsValue> {
        let options = MediaRecorderOptions::new();
        if let Some(kind) = KINDS
            .into_iter()
            .find(|kind| MediaRecorder::is_type_supported(kind))
        {
            options.set_mime_type(kind);
        }
        options.set_audio_bits_per_second(32_000);
        let recorder = MediaRecorder::new_with_media_stream_and_media_recorder_options(&stream, &options)?;
        let pieces = Array::new();
        let on_data = {
            let pieces = pieces.clone();
            Closure::<dyn FnMut(BlobEvent)>::new(move |event: BlobEvent| {
                if let Some(piece) = event.data().filter(|piece| piece.size() > 0.0) {
                    pieces.push(&piece);
                }
            })
        };
        recorder.set_ondataavailable(Some(on_data.as_ref().unchecked_ref()));
        recorder.start_with_time_slice(1000)?;
        let levels: Rc<RefCell<Vec<f32>>> = Rc::default();
        // Without a meter it is recorded all the same.
        let meter = analyser(&stream).ok();
        let interval = meter.as_ref().map(|(_, analyser)| {
            let (analyser, levels) = (analyser.clone(), Rc::clone(&levels));
            let mut samples = vec![0.0_f32; 1024];
            Interval::new(STEP, move || {
                analyser.get_float_time_domain_data(&mut samples);
                let loudness = loudness(&samples);
                levels.borrow_mut().push(loudness);
                level(loudness);
            })
        });
        Ok(Self {
            recorder,
            stream,
            context: meter.map(|(context, _)| context),
            started: js_sys::Date::now(),
            levels,
            pieces,
            _on_data: on_data,
            _meter: interval,
        })
    }

    /// How long it has been recording, in milliseconds.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Not negative, far below 2^53.
    pub(super) fn elapsed(&self) -> u64 {
        (js_sys::Date::now() - self.started).max(0.0) as u64
    }

    /// Ends the recording.
    pub(super) async fn finish(self) -> Result<Recording, JsValue> {
        let duration = self.elapsed().min(LONGEST);
        let stopped =
            Promise::new(&mut |resolve: Function, _reject| self.recorder.set_onstop(Some(&resolve)));
        self.recorder.stop()?;
        JsFuture::from(stopped).await?;
        let options = BlobPropertyBag::new();
        options.set_type(&self.recorder.mime_type());
        let content = Blob::new_with_blob_sequence_and_options(&self.pieces, &options)?;
        let levels = self.levels.borrow().clone();
        Ok(Recording {
            content,
            duration,
            levels,
        })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.recorder.set_ondataavailable(None);
        self.recorder.set_onstop(None);
        // Without effect when it has stopped.
        drop(self.recorder.stop());
        release(&self.stream);
        if let Some(context) = &self.context {
            drop(context.close());
        }
    }
}

async fn microphone() -> Result<MediaStream, Refusal> {
    let window = web_sys::window().ok_or(Refusal::Unsupported)?;
    if !window.is_secure_context() {
        return Err(Refusal::Insecure);
    }
    let known = Reflect::has(&window, &"MediaRecorder".into()).unwrap_or(false);
    let devices = window
        .navigator()
        .media_devices()
        .ok()
        .filter(|devices| known && devices.is_truthy());
    let devices = devices.ok_or(Refusal::Unsupported)?;
    let wish = Object::new();
    for name in ["echoCancellation", "noiseSuppression", "autoGainControl"] {
        // A plain object takes every property.
        drop(Reflect::set(&wish, &name.into(), &true.into()));
    }
    let constraints = MediaStreamConstraints::new();
    constraints.set_audio(&wish);
    let asked = devices
        .get_user_media_with_constraints(&constraints)
        .map_err(|_| Refusal::Unsupported)?;
    match JsFuture::from(asked).await {
        Ok(stream) => Ok(stream.unchecked_into()),
        Err(error) => {
            let name = Reflect::get(&error, &"name".into())
                .ok()
                .and_then(|name| name.as_string());
            Err(match name.as_deref() {
                Some("NotFoundError" | "OverconstrainedError") => Refusal::Missing,
                Some("NotReadableError" | "AbortError") => Refusal::Busy,
                _ => Refusal::Refused,
            })
        }
    }
}

fn analyser(stream: &MediaStream) -> Result<(AudioContext, AnalyserNode), JsValue> {
    let context = AudioContext::new()?;
    let analyser = context.create_analyser()?;
    analyser.set_fft_size(1024);
    context
        .create_media_stream_source(stream)?
        .connect_with_audio_node(&analyser)?;
    Ok((context, analyser))
}

fn release(stream: &MediaStream) {
    for track in stream.get_tracks().iter() {
        track.unchecked_into::<MediaStreamTrack>().stop();
    }
}

/// How loud samples are, 0 to 1, as people hear it: in steps of decibel rather than of pressure.
fn loudness(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    #[allow(clippy::cast_precision_loss)] // A thousand samples.
    let mean = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    let decibel = 10.0 * mean.max(1e-10).log10();
    ((decibel + 55.0) / 45.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_nothing_and_a_shout_is_full() {
        assert!(loudness(&[0.0; 8]) < 0.001 && loudness(&[]) < 0.001);
        assert!(loudness(&[0.5; 8]) > 0.99);
        let speech = loudness(&[0.03; 8]);
        assert!((0.3..0.8).contains(&speech), "{speech}");
    }
}
