//! Load generator and micro benchmarks of tim.
