//! The log and its verifier, on real files.

#[cfg(test)]
mod damage;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod life;
#[cfg(test)]
mod random;
#[cfg(test)]
mod refusals;
