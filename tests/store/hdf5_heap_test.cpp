#include "store/hdf5_heap.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace vfe {
namespace {

std::string object(std::uint16_t index, std::uint64_t size, std::size_t bytes) {
  std::string text(16 + bytes, '\0');
  text.replace(0, 2, reinterpret_cast<const char*>(&index), 2);
  text.replace(8, 8, reinterpret_cast<const char*>(&size), 8);
  return text;
}

std::string collection(const std::string& objects) {
  std::string text("GCOL\1\0\0\0", 8);
  const std::uint64_t size = 16 + objects.size();
  return text + std::string(reinterpret_cast<const char*>(&size), 8) + objects;
}

bool sound(const std::string& bytes) {
  return hdf5::heap_is_sound(bytes.data(), bytes.size());
}

TEST(Hdf5Heap, WhatIsNoCollectionIsNoMatter) {
  EXPECT_TRUE(sound(""));
  EXPECT_TRUE(sound("GCOL"));
  EXPECT_TRUE(sound(std::string(100, '\0')));
  const std::string whole = collection(object(1, 0, 0) + object(0, 0, 0));
  EXPECT_TRUE(sound(whole.substr(0, whole.size() - 1))) << "the beginning alone";
}

TEST(Hdf5Heap, EveryObjectEndsWithinItsCollection) {
  EXPECT_TRUE(sound(collection("")));
  EXPECT_TRUE(sound(collection(object(1, 5, 8) + object(2, 8, 8) + object(0, 48, 32))));
  EXPECT_TRUE(sound(collection(object(1, 5, 8) + std::string(8, '\0')))) << "too little for an object";
  EXPECT_TRUE(sound(collection(object(1, 0, 0)))) << "an empty text";
  EXPECT_FALSE(sound(collection(object(1, 9, 8))));
  EXPECT_FALSE(sound(collection(object(1, ~std::uint64_t{0}, 8)))) << "a sum beyond 64 bits";
  EXPECT_FALSE(sound(collection(object(1, ~std::uint64_t{0} - 22, 8))));
  EXPECT_FALSE(sound(collection(object(1, 5, 8) + object(0, 40, 16))));
}

TEST(Hdf5Heap, FreeSpaceOfNoSizeWouldBeWalkedForEver) {
  EXPECT_FALSE(sound(collection(object(0, 0, 16))));
  EXPECT_FALSE(sound(collection(object(0, 15, 16))));
  EXPECT_TRUE(sound(collection(object(0, 16, 0))));
}

}  // namespace
}  // namespace vfe
