//! What an installer embeds to activate a computer, and benefitsctl for people.
