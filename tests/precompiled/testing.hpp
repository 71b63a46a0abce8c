// SPDX-License-Identifier: LGPL-2.1-or-later
// The test framework, parsed once per test program.
// Not "pragma once": the compiler reads this file as its main one.
#ifndef MACHINIST_PRECOMPILED_TESTING
#define MACHINIST_PRECOMPILED_TESTING

#include "../../src/precompiled/standard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#endif
